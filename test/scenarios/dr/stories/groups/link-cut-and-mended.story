The link of a synchronous pair is cut and mended. The group says so, the guests go on alone, and catch up by themselves.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
guests write every 5s

at 30s: fault link-cut a-b for 5m
run until quiet
expect web untouched; nothing was lost; group shop is protected; no alarm
