// The executions: where they come from, and by what they can be filtered and sorted.

import type { Execution } from "../api/records";
import type { Column, Field } from "../grid/fields";
import type { Source } from "../grid/grid";
import { instant } from "../grid/sorting";
import type { View } from "../grid/view";
import type { Props } from "../island/island";
import { inUtc } from "../page/times";
import { summary } from "../page/wording";

const FINAL = ["success", "error", "timeout", "cancelled", "skipped"] as const;
const STATUSES = ["pending", "running", "retrying", ...FINAL] as const;
const INSTANT_HINT = "such as 2026-11-23T06:00, in UTC";

export const COLUMNS: readonly Column[] = [
  { key: "created", title: "Created" },
  { key: "status", title: "Status" },
  { key: "method", title: "Method" },
  { key: "handler", title: "Handler" },
  { key: "schedule", title: "Schedule" },
  { key: "duration", title: "Duration" },
  { key: "says", title: "Says" },
];

export const FIELDS: readonly Field[] = [
  { name: "handler_id", label: "Handler" },
  { name: "method_name", label: "Method" },
  { name: "schedule_id", label: "Schedule" },
  { name: "tag", label: "Tag" },
  { name: "since", label: "Created since", hint: INSTANT_HINT },
  { name: "until", label: "Created until", hint: INSTANT_HINT },
  { name: "q", label: "Search", hint: "in ids and method names" },
  {
    name: "status",
    label: "Status",
    several: true,
    choices: STATUSES.map((status) => ({ value: status, title: status })),
  },
];

export const executions = (props: Props): Source<Execution> => ({
  ...props,
  page: "executions",
  list: "records",
  families: ["execution"],
  id: (execution) => execution.execution_id,
  query,
  sorts: {
    created: (execution) => instant(execution.created_at),
    status: (execution) => execution.status,
    method: (execution) => execution.method_name,
    handler: (execution) => execution.handler_id,
    schedule: (execution) => execution.schedule_id,
    duration: (execution) => execution.duration_ms,
    says: (execution) => summary(execution) || null,
  },
});

/** Times without a zone are meant in UTC, as on the server's page. */
export function query({ filters, limit }: View): Record<string, string> {
  const times = ["since", "until"].filter((name) => filters[name]).map((name) => [name, inUtc(filters[name] ?? "")]);
  return { ...filters, ...Object.fromEntries(times), limit };
}

export function isFinal(execution: Execution): boolean {
  return (FINAL as readonly string[]).includes(execution.status);
}
