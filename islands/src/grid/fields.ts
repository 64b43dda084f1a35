// The filters of a list, as the server's form has them.

export interface Choice {
  value: string;
  title: string;
}

export interface Field {
  name: string;
  label: string;
  hint?: string;
  /** What may be chosen; any text where left out. */
  choices?: readonly Choice[];
  /** Whether several of them may. */
  several?: boolean;
}

export interface Column {
  /** The name of the column in the address; it can be sorted by where the grid has an order of that name. */
  key: string;
  title: string;
}
