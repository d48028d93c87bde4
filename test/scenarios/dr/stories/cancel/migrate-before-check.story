A planned migration is cancelled before check: everything is as it was.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: async, 12 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: async to b, rpo 5m
plan p1 of shop: tested
guests write every 5s

at 61s: migrate plan p1
before step check of plan-migrate: cancel the execution of p1
run until quiet
expect web run at a; nothing was lost; group shop is protected; plan p1 is ready; report of p1: migrate failed; no alarm
