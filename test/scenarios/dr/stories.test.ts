import { join } from 'node:path';
import { tellStories } from '../language/tell.ts';

tellStories(join(import.meta.dirname, 'stories'));
