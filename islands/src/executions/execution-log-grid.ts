import { island } from "../island/island";
import ExecutionLogGrid from "./ExecutionLogGrid.vue";
import { executions } from "./executions";

island("execution-log-grid", ExecutionLogGrid, executions);
