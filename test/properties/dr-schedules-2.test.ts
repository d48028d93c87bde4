import { searchRecoveries } from './dr-schedules/search.ts';

searchRecoveries(1, 2);
