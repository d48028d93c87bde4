import { type App, Tags } from 'aws-cdk-lib';
import { ApiStack } from './api-stack.ts';
import { DataStack } from './data-stack.ts';
import { EventsStack } from './events-stack.ts';
import { prefixOf } from './names.ts';
import { SiteStack } from './site-stack.ts';
import { readStage } from './stage.ts';
import { WatchStack } from './watch-stack.ts';
import { WorkflowsStack } from './workflows-stack.ts';

export interface House {
  data: DataStack;
  site: SiteStack;
  workflows: WorkflowsStack;
  events: EventsStack;
  api: ApiStack;
  watch: WatchStack;
}

/**
 * The stacks of one deployment. What keeps data stands apart from what can be built again:
 *
 *     data <- site <- workflows <- events
 *       ^       ^------- api <- watch
 */
export function buildHouse(app: App): House {
  const stage = readStage(app.node);
  const name = (part: string) => `${prefixOf(stage)}${part}`;
  const data = new DataStack(app, name('data'), stage);
  const site = new SiteStack(app, name('site'), stage, data);
  const workflows = new WorkflowsStack(app, name('workflows'), stage, data, site);
  const events = new EventsStack(app, name('dispatch'), stage, data);
  const api = new ApiStack(app, name('api'), stage, data, site);
  const watch = new WatchStack(app, name('watch'), stage, api);
  // The dispatcher knows the state machines by name only; they have to be there before it starts one.
  events.addStackDependency(workflows);
  Tags.of(app).add('app', 'strata');
  Tags.of(app).add('stage', stage.name);
  return { data, site, workflows, events, api, watch };
}
