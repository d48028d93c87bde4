A host of the source dies while its VMs are being shut down for a planned migration. Nothing is lost, and nothing runs twice.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
plan p1 of shop: tested
guests write every 5s

at 61s: migrate plan p1
at 62s: fault host-power-loss h1
run until quiet
expect nothing was lost
