/**
 * Forms of the keys of services, by the rules of gitleaks (config/gitleaks.toml at b58d3f10, MIT licence, https://github.com/gitleaks/gitleaks),
 * with shorter least lengths and a few more. test/data/secrets.json has a made-up key of each rule.
 */

/** The fixed beginnings of keys, by the least number of characters after them. */
export const BEGINNINGS: Readonly<Record<number, string>> = {
  10: "hooks.zapier.com/hooks/catch/ sk_test_ sk_live_ sk_prod_ rk_test_ rk_live_ rk_prod_ xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs- xoxe.",
  12: "FLWSECK_TEST- FLWSECK- sm_aat_ sm_pat_ sm_sat_",
  16: `sk- glpat- glcbt- gldt- glffct- glft- glimt- glagent- gloas- glptt- glrt- glsoat- GR1348941 AKIA ASIA ABIA ACCA xapp- NRAK-
    NRII- NRJS-`,
  20: `ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ LTAI ATATT3 bedrock-api-key- sq0atp- sq0csp- dckr_pat_ whsec_ gsk_ xai- hvs. figd_
    ya29. GOCSPX- tskey- tvly- sb_secret_ IncomingWebhook/`,
  22: "API- EAAA",
  30: "AIza npm_ hf_ api_org_ glc_ shpat_ shpca_ shppa_ shpss_ ico- p8e- dapi A3- pscale_tkn_ pscale_oauth_ pscale_pw_ pnu_ AQVN r8_",
  36: `4b1d lin_api_ pul- ntn_ glsa_ fo1_ duffel_test_ duffel_live_ dp.pt. sgp_ shippo_live_ shippo_test_ sha256~ pplx- rubygems_ tk-us-
    lsv2_pt_ lsv2_sk_ nvapi- pcsk_ dp.st. dp.ct. nfp_ sbp_ phx_ pat-na1- pat-eu1- CCIPAT_ bkua_ sqp_ squ_ sqa_ CFPAT- n8n_api_
    discord.com/api/webhooks/ discordapp.com/api/webhooks/ scauth_ authress_ hooks.slack.com/ webhook.office.com/`,
  45: "EZAK EZTK HRKU-AA PMAK- pypi- AKCp cmVmd CLOJARS_ AGE-SECRET-KEY-1 tfp_ s-s4t2ud- s-s4t2af- atlasv1. SG.",
  60: `v1.0- pat doo_v1_ dop_v1_ dor_v1_ fio-u- rdme_ dnkey- xkeysib- sntrys_ sntryu_ dt0c01. eyJrIjoi ops_eyJ pat. sat. EAAM EAAC ABSK fm1a_
    fm1r_ fm2_ hvb.`,
};

/** Beginnings that are those of words too, with the shape of what follows where they are a key's. */
export const SHAPED: Readonly<Record<string, string>> = {
  "key-": "[0-9a-f]{32}",
  SK: "[0-9a-f]{32}",
  baton_: String.raw`[a-z0-9]{16}_[\w-]{43}`,
  re_: "[A-Za-z0-9]{8}_[A-Za-z0-9]{20}",
  fw_: "[A-Za-z0-9]{24}",
  "pa-": String.raw`[\w-]{43}`,
  secret_: "[A-Za-z0-9]{43}",
  oy2: "[a-z0-9]{43}",
  "sl.": String.raw`[\w-]{80}`,
};

/** Services whose name stands in the name of a key of theirs that has no form of its own. */
export const SERVICES = `adafruit adobe airtable algolia alibaba artifactory asana atlassian beamer bintray bitbucket bittrex
  BUNDLE_ENTERPRISE BUNDLE_GEMS cloudflare codecov cohere coinbase confluence confluent contentful co_api datadog discord droneci dropbox
  etsy facebook fastly finicity finnhub flickr freshbooks gitlab_session gitter gocardless heroku hubspot intercom jfrog jira kraken kucoin
  launchdarkly linear linkedin linked_in lob looker mailchimp mailgun mapbox mattermost meraki message-bird messagebird message_bird
  netlify new-relic newrelic new_relic nytimes okta plaid privateai private_ai rapidapi sendbird sentry snyk sonar squarespace sumo telegr
  travis twitch twitter typeform xray yandex zendesk`;
