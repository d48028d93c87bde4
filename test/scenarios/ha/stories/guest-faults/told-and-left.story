The guest of a VM crashes, and its owner wants to hear of it, no more: an alarm stands until the VM is stopped.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1: faultProcess notProcess

at 10s: fault guest-crash web
at 100s: stop web
at 110s: start web
run until quiet
expect once alarm guest-crashed on web; incident of web none; web runs; no alarm
