In a failover a call-out that is never answered holds up nobody: the VMs start, and the report says what was missed.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
plan p1 of shop: priority 1 web-1, priority 2 web-2, callOut load beforeStart 2 for 10m
guests write every 5s

at 31s: fault site-loss site-a
at 60s: failover plan p1 without a test because "it burns"
run until quiet
expect web run at b; nothing was lost; report of p1: failover partial; phases of p1 without a gap
