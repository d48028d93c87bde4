/** What is said of volumes at the port. */
export interface VolumeOrder {
  id: string;
  vmId: string;
  name: string;
  sizeGiB: number;
  datastoreId: string;
}
/** A volume that exists. */
export type VolumeRef = Pick<VolumeOrder, 'id' | 'vmId' | 'name'>;
/** One block as it was written: `data` in base 64, `sequence` the number of the write in its volume, `at` its time, ms. */
export interface Block {
  index: number;
  data: string;
  sequence: number;
  at: number;
}
