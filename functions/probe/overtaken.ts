/** Another probe, a request or a workflow was faster: its change stands, and the next look sees it. */
export class Overtaken extends Error {}

/** Whether the work was done; not when somebody was faster. */
export async function unlessOvertaken(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (error instanceof Overtaken) return false;
    throw error;
  }
}
