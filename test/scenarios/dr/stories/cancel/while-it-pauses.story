A migration that waits for a person is cancelled instead: everything runs where it was.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
plan p1 of shop: tested, pause look afterShutdown 3 for 60m
guests write every 5s

at 61s: migrate plan p1
at 10m: cancel the execution of p1
run until quiet
expect web run at a; nothing was lost; group shop is protected; plan p1 is ready; no alarm
