import * as z from 'zod';

/** Names that the asker gives to VMs. */
export const vmId = z.string().regex(/^[\w.-]{1,64}$/, 'letters, digits, dots, dashes and underlines, 1 to 64');

/** Some of a few words, each once. */
export const someOf = <const T extends readonly string[]>(words: T) =>
  z
    .array(z.enum(words))
    .min(1)
    .max(words.length)
    .refine((list) => new Set(list).size === list.length, 'names something twice');

/** VMs of a host, each name once. */
export const vmsOf = <T extends z.ZodType<{ id: string }>>(vm: T, most: number) =>
  z
    .array(vm)
    .min(1)
    .max(most)
    .refine((list) => new Set(list.map((v) => v.id)).size === list.length, 'names a VM twice');
