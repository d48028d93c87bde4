import * as z from 'zod';
import { addressLab } from './address.ts';
import { addressSpec } from './address-spec.ts';
import { contentionLab, contentionSpec } from './contention.ts';
import { deviceLab, deviceSpec } from './device.ts';
import { instructionsLab, instructionsSpec } from './instructions.ts';
import { ioLab, ioSpec } from './io.ts';
import { memoryLab, memorySpec } from './memory.ts';
import { migrationLab, migrationSpec } from './migration.ts';
import { numaLab, numaSpec } from './numa.ts';
import { pagesLab, pagesSpec } from './pages.ts';
import { shapingLab, shapingSpec } from './shaping.ts';
import { sharingLab, sharingSpec } from './sharing.ts';
import { storageMigrationLab, storageMigrationSpec } from './storage-migration.ts';

/** What may be asked of the lab. */
export const labSpec = z.discriminatedUnion('experiment', [
  instructionsSpec,
  addressSpec,
  ioSpec,
  contentionSpec,
  memorySpec,
  numaSpec,
  shapingSpec,
  migrationSpec,
  pagesSpec,
  sharingSpec,
  deviceSpec,
  storageMigrationSpec,
]);
export type LabQuestion = z.infer<typeof labSpec>;

/** Carries an experiment out. @throws RefusedAt with the rule of what cannot be */
export function runLab(question: LabQuestion) {
  switch (question.experiment) {
    case 'instructions':
      return instructionsLab(question);
    case 'address':
      return addressLab(question);
    case 'io':
      return ioLab(question);
    case 'contention':
      return contentionLab(question);
    case 'memory':
      return memoryLab(question);
    case 'numa':
      return numaLab(question);
    case 'shaping':
      return shapingLab(question);
    case 'migration':
      return migrationLab(question);
    case 'pages':
      return pagesLab(question);
    case 'sharing':
      return sharingLab(question);
    case 'device':
      return deviceLab(question);
    case 'storage-migration':
      return storageMigrationLab(question);
  }
}
