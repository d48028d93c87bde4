import type { IncidentVm } from '../../../shared/model/incident.ts';
import type { Answer } from '../../http/answer.ts';
import type { Call } from '../../http/call.ts';
import { slicePage } from '../../http/paging.ts';
import { readIncident } from '../incidents.ts';
import { reportOf } from './report.ts';
import type { Recovered } from './rto.ts';
import { textOf } from './text.ts';
import { recoveredView, reportView } from './view.ts';

export const reportHandlers = {
  /** The text is whole but for the fastest VMs; as JSON the VMs come in pages, since there may be ten thousand. */
  async getIncidentReport(call: Call): Promise<Answer> {
    const { incident, vms } = await readIncident(call);
    const report = reportOf(incident, vms);
    if (call.query.format === 'text')
      return { status: 200, body: textOf(report), headers: { 'content-type': 'text/plain; charset=utf-8' } };
    const { list, options } = call.paging('');
    const all = report.recovered.map((r): Recovered & Pick<IncidentVm, 'id'> => ({ ...r, id: r.vm.id }));
    const { items, nextPageToken } = slicePage(all, options.limit, call.query.pageToken, list);
    return {
      status: 200,
      body: { ...reportView(report), recovered: items.map(recoveredView), ...(nextPageToken ? { nextPageToken } : {}) },
    };
  },
};
