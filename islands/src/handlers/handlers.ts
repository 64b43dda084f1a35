// The handlers: where they come from, and by what they can be found and sorted.

import type { Handler } from "../api/records";
import type { Column, Field } from "../grid/fields";
import type { Source } from "../grid/grid";
import type { Props } from "../island/island";

export const COLUMNS: readonly Column[] = [
  { key: "id", title: "Handler" },
  { key: "status", title: "Status" },
  { key: "methods", title: "Methods" },
  { key: "running", title: "Instances" },
];

export const FIELDS: readonly Field[] = [{ name: "q", label: "Search", hint: "in ids and methods" }];

export const handlers = (props: Props): Source<Handler> => ({
  ...props,
  page: "handlers",
  list: "handlers",
  families: ["handler", "execution"],
  id: (handler) => handler.id,
  sorts: {
    id: (handler) => handler.id,
    status: (handler) => handler.status,
    methods: (handler) => handler.methods.length,
    running: (handler) => handler.instances.reduce((sum, instance) => sum + instance.running, 0),
  },
});
