import { Hono } from 'hono';

/** The documents of the API: the same on AWS and locally. */
export function docsApi(openapi: object) {
  const app = new Hono();
  app.get('/openapi.json', (c) => c.json(openapi));
  app.get('/healthz', (c) => c.json({ status: 'ok' }));
  app.get('/docs', (c) => c.html(page(openapi as OpenApi)));
  return app;
}

interface OpenApi {
  info: { title: string; version: string };
  paths: Record<string, Record<string, { operationId: string; summary: string; tags: string[]; 'x-roles': string[] }>>;
}

const escaped = (text: string) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** One page that lists every operation; readable without scripts or anything from elsewhere. */
function page(api: OpenApi): string {
  const rows = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, o]) =>
        `<tr><td>${escaped(o.tags.join(', '))}</td><td><code>${method.toUpperCase()} ${escaped(path)}</code></td><td>${escaped(o.summary)}</td><td>${escaped(o['x-roles'].join(', '))}</td></tr>`,
    ),
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escaped(api.info.title)}</title>
<style>body{font:15px/1.5 system-ui;margin:2rem auto;max-width:70rem;padding:0 1rem}td{padding:.2rem .8rem .2rem 0;vertical-align:top}code{white-space:nowrap}</style>
<h1>${escaped(api.info.title)} ${escaped(api.info.version)}</h1>
<p>${rows.length} operations. The full contract is <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1).</p>
<table><tr><th>Tag<th>Operation<th>Does<th>Roles</tr>${rows.join('')}</table></html>`;
}
