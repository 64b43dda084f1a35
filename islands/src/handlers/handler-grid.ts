import { island } from "../island/island";
import HandlerGrid from "./HandlerGrid.vue";
import { handlers } from "./handlers";

island("handler-grid", HandlerGrid, handlers);
