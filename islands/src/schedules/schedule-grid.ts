import { island } from "../island/island";
import ScheduleGrid from "./ScheduleGrid.vue";
import { schedules } from "./schedules";

island("schedule-grid", ScheduleGrid, schedules);
