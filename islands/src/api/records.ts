// What the API answers, as far as the grids show it; /api/openapi.json describes all of it.

export interface Schedule {
  id: string;
  name: string | null;
  handler_id: string;
  method_name: string;
  trigger: string;
  state: "active" | "paused" | "quarantined" | "finished";
  paused: boolean;
  error: string | null;
  next_fire_time: string | null;
  last_fire_time: string | null;
  last_status: string | null;
  tags: string[];
}

export interface Instance {
  instance_id: string;
  address: string;
  status: string;
  running: number;
  capacity: number;
  version: string | null;
  last_seen: string;
}

export interface Handler {
  id: string;
  methods: string[];
  status: "Connected" | "Draining" | "Unresponsive" | "Disconnected";
  paused: boolean;
  instances: Instance[];
}

export interface Execution {
  execution_id: string;
  schedule_id: string | null;
  handler_id: string;
  method_name: string;
  status: "pending" | "running" | "retrying" | "success" | "error" | "timeout" | "cancelled" | "skipped";
  reason: string | null;
  created_at: string;
  duration_ms: number | null;
  attempt_number: number;
  max_attempts: number;
  result: unknown;
  error: { type: string; message: string } | null;
}

/** One part of a list; its rows are under a name of their own. */
export type Listing<Row> = { next_cursor: string | null } & Record<string, readonly Row[] | unknown>;
