import { searchSchedules } from './schedules/search.ts';

searchSchedules(0, 2);
