// A menu that opens at once. One that is still arriving takes the focus to its first choice when it has come, away from
// the choice that somebody has typed on to meanwhile.

import { h, Transition, type FunctionalComponent, type TransitionProps } from "vue";

/** In place of a transition of Vuetify: it takes no time. */
export const atOnce: FunctionalComponent<TransitionProps & { target?: unknown }> = ({ target: _, ...rest }, { slots }) =>
  h(Transition, { ...rest, css: false }, slots);
