A cluster is full when somebody promises that it bears the loss of a host. The promise is taken, and an alarm says that
it is not kept; it goes with the VMs that were too many.

cluster c1: 2 hosts of 16 cores and 14 GiB     # room for three VMs of 4 GiB each
vm web x6 on h1, h2: 4 GiB

at 10s: set c1: admission slots 1
at 120s: stop web-1..3
run until 300s
expect once alarm failover-capacity on c1; no alarm; web-4..6 untouched
