import type { Runtime } from '../../shared/aws/runtime.ts';
import { disksContract } from '../../shared/contract/disks.ts';
import { mountFace } from '../http/mount.ts';
import { growDisk } from './grow.ts';

/** The tenants' face of single disks. */
export const disksFace = (runtime: Runtime) => mountFace(disksContract, { growDisk }, runtime);
