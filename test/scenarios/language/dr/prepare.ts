import type { TestCloud } from '../../../support/cloud.ts';
import type { TestTenant } from '../../../support/tenant.ts';
import type { Names } from '../names.ts';
import type { Story } from '../story.ts';
import { StoryError } from '../words.ts';
import { groupBody, planBody } from './act.ts';
import type { GroupSetting, PlanSetting } from './story.ts';

/** Groups are protected before a story begins, however long the first copy takes, s. */
const PATIENCE_S = 4 * 3_600;

/** Protects groups and makes plans, in the order of the story. Plans that were tested are clean again. */
export async function prepareRecovery(story: Story, test: TestCloud, tenant: TestTenant, names: Names): Promise<void> {
  const must = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const reply = await test.client.call(method, path, { token: tenant.token, ...(body ? { body } : {}) });
    if (reply.status >= 300)
      throw new Error(`${story.file}: ${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
    return reply.body as T;
  };
  const groups = story.setting.filter((s): s is GroupSetting & typeof s => s.kind === 'group');
  for (const group of groups) {
    const { id } = await must<{ id: string }>('POST', '/v1/protected-groups', groupBody(group, tenant, names));
    names.add(id, group.name);
  }
  for (const group of groups) await come(`/v1/protected-groups/${names.id(group.name)}`, 'protected', group.place);
  for (const plan of story.setting.filter((s): s is PlanSetting & typeof s => s.kind === 'plan')) {
    const { id } = await must<{ id: string }>('POST', '/v1/recovery-plans', planBody(plan, names));
    names.add(id, plan.name);
    if (!plan.tested) continue;
    const path = `/v1/recovery-plans/${id}`;
    await must('POST', `${path}/test`);
    await come(path, 'testComplete', plan.place);
    await must('POST', `${path}/cleanup`);
    await come(path, 'ready', plan.place);
  }

  async function come(path: string, state: string, place: Story['setting'][number]['place']): Promise<void> {
    let last = '';
    try {
      await test.until(async () => {
        const found = await must<{ state: string; reason?: string }>('GET', path);
        last = `${found.state}${found.reason ? `: ${found.reason}` : ''}`;
        return found.state === state;
      }, PATIENCE_S);
    } catch (error) {
      throw new StoryError(place, `it does not become ${state}, it is ${last} (${error})`);
    }
    await test.settle();
  }
}
