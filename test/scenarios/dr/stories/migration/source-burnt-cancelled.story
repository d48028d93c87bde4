The source burns in the middle of a migration, and the operator does not want to wait: the migration is cancelled, and lets go of what it cannot ask.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: async, 12 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: async to b, rpo 5m
plan p1 of shop: tested
guests write every 5s

at 4m: migrate plan p1
before step finalSync of plan-migrate: fault site-loss site-a
at 260s: cancel the execution of p1
10s after plan p1 is migratePartialFailure: failover plan p1
run until quiet
expect web run at b; lost as reported; report of p1: failover success
