import { writeFileSync } from 'node:fs';
import { CONTRACT } from '../table.ts';
import { openapiDocument } from './document.ts';

/** Writes openapi.json. A test fails when the committed file differs from the contract. */
writeFileSync(
  new URL('../../../openapi.json', import.meta.url),
  `${JSON.stringify(openapiDocument(CONTRACT), null, 1)}\n`,
);
