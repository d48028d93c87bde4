VMs that wait for each other could never start: such a plan is refused.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
guests write every 5s

at 10s: create plan p1 of shop: web-1 dependsOn web-2, web-2 dependsOn web-1
run until quiet
expect refused "create plan p1 of shop: web-1 dependsOn web-2, web-2 dependsOn web-1" because "circle"
