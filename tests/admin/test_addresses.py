"""What the web server answers beside the admin's own pages."""


def test_the_address_without_a_path_leads_to_the_admin(client):
    answer = client.get("/")

    assert (answer.status_code, answer["Location"]) == (302, "/admin/")


def test_the_admin_offers_no_way_to_a_site_that_is_not_there(admin_client):
    page = admin_client.get("/admin/").content.decode()

    assert "View site" not in page
