/**
 * Forms of the keys of services, by the rules of gitleaks (config/gitleaks.toml at b58d3f10, MIT licence, https://github.com/gitleaks/gitleaks),
 * with shorter least lengths and a few more. test/data/secrets.json has a made-up key of each rule.
 */

/** The fixed beginnings of keys, by the least number of characters after them. */
export const BEGINNINGS: Readonly<Record<number, string>> = {
  10: "sk_test_ sk_live_ sk_prod_ rk_test_ rk_live_ rk_prod_ xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs- xoxe.",
  12: "FLWSECK_TEST- FLWSECK- sm_aat_ sm_pat_ sm_sat_",
  16: `sk- glpat- glcbt- gldt- glffct- glft- glimt- glagent- gloas- glptt- glrt- glsoat- GR1348941 AKIA ASIA ABIA ACCA xapp- NRAK-
    NRII- NRJS-`,
  20: "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ LTAI ATATT3 bedrock-api-key- sq0atp- sq0csp- dckr_pat_ whsec_ gsk_ xai- hvs. figd_ v1.0-",
  22: "API- EAAA",
  30: "AIza npm_ hf_ api_org_ glc_ shpat_ shpca_ shppa_ shpss_ ico- p8e- dapi A3- pscale_tkn_ pscale_oauth_ pscale_pw_ pnu_ AQVN r8_",
  36: `4b1d lin_api_ pul- ntn_ glsa_ fo1_ duffel_test_ duffel_live_ dp.pt. sgp_ shippo_live_ shippo_test_ sha256~ pplx- rubygems_ tk-us-
    scauth_ authress_ hooks.slack.com/ webhook.office.com/`,
  45: "EZAK EZTK HRKU-AA PMAK- pypi- AKCp cmVmd CLOJARS_ AGE-SECRET-KEY-1 tfp_ s-s4t2ud- s-s4t2af- atlasv1. SG.",
  60: `pat doo_v1_ dop_v1_ dor_v1_ fio-u- rdme_ dnkey- xkeysib- sntrys_ sntryu_ dt0c01. eyJrIjoi ops_eyJ pat. sat. EAAM EAAC ABSK fm1a_
    fm1r_ fm2_ hvb.`,
};

/** Services whose name stands in the name of a key of theirs that has no form of its own. */
export const SERVICES = `adafruit adobe airtable algolia alibaba artifactory asana atlassian beamer bintray bitbucket bittrex
  BUNDLE_ENTERPRISE BUNDLE_GEMS cloudflare codecov cohere coinbase confluence confluent contentful co_api datadog discord droneci dropbox
  etsy facebook fastly finicity finnhub flickr freshbooks gitlab_session gitter gocardless heroku hubspot intercom jfrog jira kraken kucoin
  launchdarkly linear linkedin linked_in lob looker mailchimp mailgun mapbox mattermost meraki message-bird messagebird message_bird
  netlify new-relic newrelic new_relic nytimes okta plaid privateai private_ai rapidapi sendbird sentry snyk sonar squarespace sumo telegr
  travis twitch twitter typeform xray yandex zendesk`;
