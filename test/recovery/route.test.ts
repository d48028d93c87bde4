import { describe, expect, it } from 'vitest';
import {
  addressAfter,
  clusterAfter,
  networkAfter,
  reaches,
  recoverySites,
  routeOf,
} from '../../shared/recovery/route.ts';
import { group, HOME, network, OUT, plan } from './things.ts';

describe('the way that a plan goes', () => {
  it('leads to the site that the primary feeds, and home again from there', () => {
    const of = plan(['pg_1']);
    expect(routeOf(of, group('pg_1', []))).toEqual(OUT);
    const away = group('pg_1', [], {
      primarySiteId: 'b',
      legs: [{ siteId: 'a', from: 'b', mode: 'async', linkId: 'l', mbps: 1 }],
    });
    expect(routeOf(of, away)).toEqual(HOME);
  });

  it('after a switch, without legs, leads back to the former primary', () => {
    const former = { siteId: 'a', epoch: 1 };
    expect(recoverySites(group('pg_1', [], { primarySiteId: 'b', legs: [], former }))).toEqual(['a']);
  });

  it('of three centres prefers what the primary feeds synchronously, and a leg that stands by least', () => {
    const leg = { linkId: 'l', mbps: 1 };
    const legs = [
      { ...leg, siteId: 'd', from: 'a', mode: 'async' as const, standby: true as const },
      { ...leg, siteId: 'c', from: 'a', mode: 'async' as const },
      { ...leg, siteId: 'b', from: 'a', mode: 'sync' as const },
    ];
    expect(recoverySites(group('pg_1', [], { legs }))).toEqual(['b', 'c', 'd']);
  });
});

describe('what is mapped to what', () => {
  const of = {
    networkMap: { net_a: 'net_b' },
    clusterMap: { 'a-c1': 'b-c1', 'a-c2': 'b-c1', 'a-c3': 'b-c3' },
    ipMap: { nic_1: '10.2.0.9' },
  };
  it('networks: what is not mapped stays, and the way home is the reverse', () => {
    expect(['net_a', 'net_b', 'net_x'].map((id) => networkAfter(of, id, OUT))).toEqual(['net_b', 'net_b', 'net_x']);
    expect(['net_a', 'net_b', 'net_x'].map((id) => networkAfter(of, id, HOME))).toEqual(['net_a', 'net_a', 'net_x']);
    expect(networkAfter({}, 'constructor', OUT)).toBe('constructor');
  });
  it('clusters: any on the way home where several were mapped to one', () => {
    expect(['a-c1', 'a-c3', 'a-c9'].map((id) => clusterAfter(of, id, OUT))).toEqual(['b-c1', 'b-c3', undefined]);
    expect(['b-c1', 'b-c3'].map((id) => clusterAfter(of, id, HOME))).toEqual([undefined, 'a-c3']);
  });
  it('addresses: only on the way out', () => {
    expect([addressAfter(of, 'nic_1', OUT), addressAfter(of, 'nic_1', HOME)]).toEqual(['10.2.0.9', undefined]);
  });
  it('a direct network is where its external network is, any other everywhere', () => {
    const direct = network('lan', { type: 'direct', externalNetworkId: 'ext' });
    const sites = new Map([['ext', ['a']]]);
    expect([reaches(direct, 'a', sites), reaches(direct, 'b', sites), reaches(direct, 'a', new Map())]).toEqual([
      true,
      false,
      false,
    ]);
    expect(reaches(network('inner'), 'b', sites)).toBe(true);
  });
});
