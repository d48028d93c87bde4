A plan pauses before its second priority until a person has checked the first; the phases tell how long it waited.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
plan p1 of shop: priority 1 web-1, priority 2 web-2, pause look beforeStart 2 for 30m
guests write every 5s

at 31s: fault site-loss site-a
at 60s: failover plan p1 without a test because "the site burns"
at 10m: resume the execution of p1
run until quiet
expect web run at b; nothing was lost; web-2 boots after web-1 serves; web-2 start elsewhere after 10m; report of p1: failover success; phases of p1 without a gap
