Replication is suspended and resumed; it catches up, and a failover afterwards loses nothing.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
plan p1 of shop: tested
guests write every 5s

at 30s: suspend group shop
at 3m: resume group shop
at 10m: fault site-loss site-a
at 11m: failover plan p1
run until quiet
expect web run at b; nothing was lost; lost as reported
