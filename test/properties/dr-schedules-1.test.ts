import { searchRecoveries } from './dr-schedules/search.ts';

searchRecoveries(0, 2);
