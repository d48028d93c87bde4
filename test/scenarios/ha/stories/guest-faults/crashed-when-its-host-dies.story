A guest crashes, and a second later its host dies, before anybody has looked: that is the business of the host alone.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1: faultProcess reboot
vm blunt on h1: faultProcess notProcess

at 11s: fault guest-crash web; fault guest-crash blunt
at 12s: fault host-power-loss h1
run until quiet
expect web runs elsewhere with a newer epoch; blunt runs elsewhere with a newer epoch; incident of web none
expect alarm host-dead on h1; no other alarm
