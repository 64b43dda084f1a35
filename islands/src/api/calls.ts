// Calls of the REST API, and what it says when it refuses one.

const PATIENCE_MS = 15_000;

export interface Detail {
  path: string;
  message: string;
}

/** The API has refused a call: its status, a message, and the fields at fault. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly details: readonly Detail[] = [],
  ) {
    super(message);
  }

  /** Whether asking for something else would help, rather than asking again. */
  get isOurs(): boolean {
    return this.status >= 400 && this.status < 500 && this.status !== 429;
  }

  /** All of it on one line, each fault with its field. */
  get text(): string {
    const faults = this.details.map(({ path, message }) => (path ? `${path}: ${message}` : message));
    return faults.length > 0 ? faults.join("; ") : this.message;
  }
}

/**
 * Reads from the API.
 *
 * @throws Refusal, whose status is 0 where no answer has come.
 */
export function read<Answer>(path: string, query: URLSearchParams, signal?: AbortSignal): Promise<Answer> {
  const asked = query.size > 0 ? `${path}?${query}` : path;
  const limits = [AbortSignal.timeout(PATIENCE_MS), ...(signal ? [signal] : [])];
  return answered<Answer>(asked, { signal: AbortSignal.any(limits) });
}

/**
 * Asks the API to do something.
 *
 * @throws Refusal, whose status is 0 where no answer has come.
 */
export function send<Answer>(path: string, method: "POST" | "DELETE" = "POST"): Promise<Answer> {
  return answered<Answer>(path, { method, signal: AbortSignal.timeout(PATIENCE_MS) });
}

async function answered<Answer>(path: string, request: RequestInit): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(path, { cache: "no-store", credentials: "same-origin", ...request });
  } catch (error) {
    throw new Refusal(0, `the server cannot be reached (${error instanceof Error ? error.message : error}); try again`);
  }
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw refusal(response.status, body);
  return body as Answer;
}

function refusal(status: number, body: unknown): Refusal {
  const error = (body as { error?: { message?: string; details?: Detail[] } } | null)?.error;
  return new Refusal(status, error?.message ?? `the server answered with status ${status}; try again`, error?.details);
}
