A site burns whose VMs are replicated synchronously. They run at the other site, and of what their guests were told is safe nothing is lost.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
plan p1 of shop: tested
guests write every 5s

at 31s: fault site-loss site-a
at 60s: failover plan p1
run until quiet
expect web run at b; nothing was lost; lost as reported; phases of p1 without a gap
expect report of p1: failover success; report of p1: rpo within 0s; plan p1 is recoveredPeerPending; group shop is invalid
