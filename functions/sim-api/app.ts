import type { Runtime } from '../../shared/aws/runtime.ts';
import { simContract } from '../../shared/contract/sim.ts';
import { Guest } from '../../shared/world/guest.ts';
import { World } from '../../shared/world/world.ts';
import { mountFace } from '../http/mount.ts';
import { type ClockControl, clockHandlers } from './clock.ts';
import { faultHandlers } from './faults.ts';
import { guestHandlers } from './guests.ts';
import { worldHandlers } from './world.ts';

/** The simulated world's face. `control` changes the clock; absent where time is real. */
export function simApi(runtime: Runtime, control?: ClockControl) {
  const world = new World(runtime.store);
  const guest = new Guest(world, runtime.clock);
  return mountFace(
    simContract,
    { ...faultHandlers(world), ...worldHandlers(world), ...guestHandlers(world, guest), ...clockHandlers(control) },
    runtime,
  );
}
