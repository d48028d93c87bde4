The control plane cannot reach the old site, which is well and still sees the other one. The right to write is taken over the link between them: the old VMs write no more from that instant on.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
plan p1 of shop: tested
guests write every 5s

at 30s: fault call-timeout site-a
at 60s: failover plan p1
15m after plan p1 is recoveredPeerPending: heal call-timeout site-a
run until quiet
expect web run at b; nothing was lost; lost as reported; plan p1 is recovered
