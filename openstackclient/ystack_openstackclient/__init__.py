"""Makes `openstack ystack …` call openstack-ystack."""
