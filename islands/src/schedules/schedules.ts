// The schedules: where they come from, and by what they can be filtered and sorted.

import type { Schedule } from "../api/records";
import type { Column, Field } from "../grid/fields";
import type { Source } from "../grid/grid";
import { instant } from "../grid/sorting";
import type { Props } from "../island/island";

export const COLUMNS: readonly Column[] = [
  { key: "name", title: "Schedule" },
  { key: "trigger", title: "Trigger" },
  { key: "handler", title: "Job" },
  { key: "next", title: "Next" },
  { key: "last", title: "Last" },
  { key: "state", title: "State" },
];

export const FIELDS: readonly Field[] = [
  { name: "q", label: "Search", hint: "in ids, names and descriptions" },
  { name: "handler_id", label: "Handler" },
  { name: "tag", label: "Tag" },
  {
    name: "paused",
    label: "Paused",
    choices: [
      { value: "", title: "whether or not" },
      { value: "true", title: "paused" },
      { value: "false", title: "not paused" },
    ],
  },
];

export const schedules = (props: Props): Source<Schedule> => ({
  ...props,
  page: "schedules",
  list: "schedules",
  families: ["schedule", "execution"],
  id: (schedule) => schedule.id,
  sorts: {
    name: (schedule) => schedule.name ?? schedule.id,
    trigger: (schedule) => schedule.trigger,
    handler: (schedule) => `${schedule.handler_id} ${schedule.method_name}`,
    next: (schedule) => instant(schedule.next_fire_time),
    last: (schedule) => instant(schedule.last_fire_time),
    state: (schedule) => schedule.state,
  },
});
