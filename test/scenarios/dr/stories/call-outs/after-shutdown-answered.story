A program is called out before the writes are sent and the roles change, and the migration goes on when it has answered: nothing is lost.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
plan p1 of shop: priority 1 web-1, priority 2 web-2, tested, callOut load afterShutdown 1 for 30m
guests write every 5s

at 61s: migrate plan p1
at 10m: resume the execution of p1
run until quiet
expect web run at b; nothing was lost; report of p1: migrate success; phases of p1 without a gap; plan p1 is recovered
