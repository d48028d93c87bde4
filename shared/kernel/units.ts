/** Sizes and their names. `MiB` and `GiB` are powers of two; `mhz` and `mbps` are decimal. */
/** One disk block, bytes. The unit of guest I/O, of the changed-block bitmap and of MEM-9's page. */
export const BLOCK_BYTES = 4096;
export const BLOCKS_PER_GIB = (1024 * 1024 * 1024) / BLOCK_BYTES;
/** Largest request body, bytes. Past it the answer is 413. */
export const MAX_BODY_BYTES = 1024 * 1024;
