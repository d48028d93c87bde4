import { searchSchedules } from './schedules/search.ts';

searchSchedules(1, 2);
