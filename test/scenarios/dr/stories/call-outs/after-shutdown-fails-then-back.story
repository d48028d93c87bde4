The program that is called out when all is shut down never answers: the migration stops before the roles change, and a roll-back starts everything where it was.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
plan p1 of shop: priority 1 web-1, priority 2 web-2, tested, callOut load afterShutdown 1 for 10m
guests write every 5s

at 61s: migrate plan p1
at 20m: rollback plan p1
run until quiet
expect web run at a; nothing was lost; group shop is protected; report of p1: rollback success; plan p1 is ready
