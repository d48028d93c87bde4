A host dies and its VMs find no room. Another one dies a minute later: that is an incident of its own, and nobody of either
is forgotten. When the maintenance of a third host ends all of them run there.

cluster c1: 3 hosts of 16 cores and 14 GiB
host h3: 32 cores and 64 GiB
vm web x3 on h1: 4 GiB
vm shop x3 on h2: 4 GiB

at 5s: maintenance h3
at 30s: fault host-power-loss h1
at 90s: fault host-power-loss h2
at 200s: end-maintenance h3
run until quiet
expect once alarm vm-waits on web-1; once alarm vm-waits on shop-1
expect web run on h3 with a newer epoch; shop run on h3 with a newer epoch
expect incident of h1 closed; incident of h2 closed; alarm host-dead on h1; alarm host-dead on h2; no other alarm
