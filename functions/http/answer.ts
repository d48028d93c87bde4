/** What a handler answers; the face adds the rest. */
export interface Answer {
  status: number;
  /** A text goes as it is, with the content type that `headers` name; anything else as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
}
