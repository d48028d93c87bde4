import { FUNCTIONS, type FunctionId } from '../../topology.ts';

/** A parameter `{name}` is one segment, `{proxy+}` any further text. */
interface Route {
  path: string;
  id: FunctionId;
  pattern: RegExp;
}

const GREEDY = '{proxy+}';

const ROUTES: Route[] = (Object.keys(FUNCTIONS) as FunctionId[])
  .flatMap((id) => ((FUNCTIONS[id] as { routes?: readonly string[] }).routes ?? []).map((path) => ({ path, id })))
  .map((route) => ({ ...route, pattern: patternOf(route.path) }))
  .sort((a, b) => rank(a.path) - rank(b.path) || b.path.length - a.path.length);

/** As API Gateway has it: a route that fits the whole path goes before a greedy one, then the longer one. */
function rank(path: string): number {
  return path.endsWith(GREEDY) ? 1 : 0;
}

function patternOf(path: string): RegExp {
  const source = path
    .split(/(\{\w+\+?\})/)
    .map((part) => {
      if (part === GREEDY) return '.+';
      return part.startsWith('{') ? '[^/]+' : part.replace(/[.*+?^$()|[\]\\]/g, '\\$&');
    })
    .join('');
  return new RegExp(`^${source}$`);
}

/** The function that serves a path, by the topology; undefined when none does. */
export const functionAt = (path: string): FunctionId | undefined =>
  ROUTES.find((route) => route.pattern.test(path))?.id;
