A host of the target dies while VMs are being started on it. Nothing is lost, and nothing runs twice.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
plan p1 of shop: tested
guests write every 5s

at 61s: migrate plan p1
after step startWave of plan-migrate: fault host-power-loss h3
run until quiet
expect web run at b; nothing was lost
