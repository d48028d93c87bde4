A plan that was never tested is not executed, unless somebody says why.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: async, 12 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: async to b, rpo 5m
plan p1 of shop
guests write every 5s

at 10s: migrate plan p1
at 20s: failover plan p1
at 30s: migrate plan p1 without a test because "the crane comes today"
run until quiet
expect refused "migrate plan p1" with not-tested; refused "failover plan p1" with not-tested
expect web run at b; nothing was lost; report of p1: migrate success
