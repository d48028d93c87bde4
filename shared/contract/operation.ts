import type * as z from 'zod';
import type { ProblemCode } from '../kernel/errors.ts';

export type Face = 'tenant' | 'system' | 'sim';
export const TENANT_ROLES = ['tenant-admin', 'tenant-operator', 'tenant-auditor'] as const;
export const SYSTEM_ROLES = ['system-admin', 'system-operator', 'system-auditor'] as const;
export const ROLES = [...TENANT_ROLES, ...SYSTEM_ROLES] as const;
export type Role = (typeof ROLES)[number];

/** One line of the contract: all that routes, documents, clients and the walking tests need to know of an operation. */
export interface ApiOperation {
  face: Face;
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** With `{name}` for parameters. */
  path: string;
  tag: string;
  summary: string;
  roles: readonly Role[];
  query?: z.ZodObject;
  body?: z.ZodType;
  /** An example body that is valid; ids in it are placeholders. */
  example?: unknown;
  /** `text`: it can be had as a text as well. */
  response: { status: number; schema: z.ZodType; description: string; text?: true };
  /** Problems beyond those that every operation of its shape can answer. */
  problems: readonly ProblemCode[];
  /** Answers an operation to follow, or a resource with one. */
  longRunning: boolean;
  /** Changes nothing. */
  readOnly: boolean;
}

const READERS = {
  tenant: TENANT_ROLES,
  system: SYSTEM_ROLES,
  sim: ['system-admin'],
} as const satisfies Record<Face, readonly Role[]>;
const WRITERS = {
  tenant: ['tenant-admin', 'tenant-operator'],
  system: ['system-admin', 'system-operator'],
  sim: ['system-admin'],
} as const satisfies Record<Face, readonly Role[]>;

type Fields = Pick<ApiOperation, 'tag' | 'summary' | 'response'> & Partial<ApiOperation>;

const make =
  (method: ApiOperation['method']) =>
  (face: Face, path: string, fields: Fields): ApiOperation => ({
    problems: [],
    longRunning: false,
    readOnly: method === 'get',
    roles: method === 'get' ? READERS[face] : WRITERS[face],
    ...fields,
    face,
    method,
    path,
  });

export const get = make('get');
export const post = make('post');
export const put = make('put');
export const patch = make('patch');
export const remove = make('delete');

/** What the roles of each face that may only read are. */
export const READ_ONLY_ROLES: Record<Face, readonly Role[]> = {
  tenant: ['tenant-auditor'],
  system: ['system-auditor'],
  sim: [],
};
