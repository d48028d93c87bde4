import { handle } from 'hono/aws-lambda';
import openapi from '../../openapi.json' with { type: 'json' };
import { docsApi } from './app.ts';

export const handler = handle(docsApi(openapi));
