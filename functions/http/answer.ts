/** What a handler answers; the face adds the rest. */
export interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}
